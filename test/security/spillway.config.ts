/** For the command line. What the test wants stands in IT_GUARDED. */
import { consumer, defineService, on } from 'spillway'
import { stepsOn } from '../scenarios/messages.ts'

const { topic, group } = JSON.parse(process.env.IT_GUARDED!) as { topic: string; group: string }
const { opened } = stepsOn({ name: topic, partitions: 1 })

export default defineService({ name: 'guarded', processors: [consumer(group, [on(opened, () => {})], { retry: { tiers: [] } })] })
