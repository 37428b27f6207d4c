/** The configuration of a service: what it consists of, how it reaches broker and registry, and where its file is found. */
export {
  brokerOptions,
  type Connection,
  environment,
  type LogLevel,
  readConnection,
  registryOptions,
  type Sasl,
  secretsIn,
  type Tls,
} from './config/connection.ts'
export { type HttpAddress, httpFlag } from './config/http.ts'
export { configNames, findConfig, loadService } from './config/load.ts'
export { defineService, type Service, type ServiceOptions } from './config/service.ts'
