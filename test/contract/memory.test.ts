import { memoryBroker } from '../../src/broker/memory/broker.ts'
import { describeBroker } from './broker.ts'

describeBroker('memory', async () => ({ broker: memoryBroker(), close: async () => undefined }))
