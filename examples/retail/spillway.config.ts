import { defineService } from 'spillway'
import { orderCancelled, orderPlaced, receiptJob } from './messages.ts'
import { customerSpend, orderReceipts, receipts, stockLevels } from './processors.ts'

export default defineService({
  name: 'retail',
  messages: [orderPlaced, orderCancelled, receiptJob],
  processors: [customerSpend, stockLevels, orderReceipts, receipts],
})
