/** Traces with OpenTelemetry. Needs `@opentelemetry/api`, an optional peer dependency that nothing else of Spillway needs. */
export { activeTraceparent } from './middleware/trace-context.ts'
export { type TracingOptions, tracing } from './middleware/tracing.ts'
