import { isTlsRefusal } from './tls-refusal.ts'

/**
 * kafkajs takes every connection that could not be made for an outage and tries for most of a minute, a certificate that nobody
 * trusts included. Its errors say for themselves whether they may be tried again: now by their code.
 */
export function withoutPatienceForRefusals(errors: { readonly KafkaJSConnectionError: { readonly prototype: object } }): void {
  Object.defineProperty(errors.KafkaJSConnectionError.prototype, 'retriable', {
    configurable: true,
    get(this: { code?: string }) {
      return !isTlsRefusal(this.code)
    },
    // The constructor of kafkajs sets it for all alike.
    set() {},
  })
}
