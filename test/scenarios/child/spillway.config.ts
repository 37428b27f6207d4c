/** For `spillway run --config`. What the parent wants stands in IT_CHILD. */
import { defineService } from 'spillway'
import { journalling } from './journalling.ts'

export default defineService({ name: 'child', processors: [journalling(JSON.parse(process.env.IT_CHILD!)).consumer] })
