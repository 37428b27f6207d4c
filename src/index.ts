export { avroSchema, type MessageSchema } from './message/schema.ts'
