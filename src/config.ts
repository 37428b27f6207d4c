/** The configuration of a service: what it consists of, how it reaches broker and registry, and where its file is found. */
export {
  brokerOptions,
  type Connection,
  environment,
  type LogLevel,
  readConnection,
  registryOptions,
  secretsIn,
} from './config/connection.ts'
export { type HttpAddress, httpFlag } from './config/http.ts'
export { configNames, findConfig, loadService } from './config/load.ts'
export type { Sasl } from './config/sasl.ts'
export { defineService, type Service, type ServiceOptions } from './config/service.ts'
export type { Tls } from './config/tls.ts'
