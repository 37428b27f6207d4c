/** So that `npx spillway status` in the clone's root finds the example. */
export { default } from './examples/retail/spillway.config.ts'
