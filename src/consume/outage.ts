import { codeOf } from '../errors.ts'
import type { Attempted, BlockReason } from './admission.ts'

type Threw = Extract<Attempted, { readonly kind: 'threw' }>

/** Failures that are never the message's fault: the record waits where it is and no attempt is used up. */
export function outage(error: unknown): BlockReason | undefined {
  const code = codeOf(error)
  if (code === 'E_REGISTRY_UNAVAILABLE') return 'registry'
  return code === 'E_BROKER_UNAVAILABLE' ? 'broker' : undefined
}

/** Without a type it is the decoder that has failed: the registry, which is waited for without end. A handler has its time. */
export function isWaitedOut(attempted: Attempted, handlerHasTime: boolean): attempted is Threw {
  return attempted.kind === 'threw' && (attempted.type === '' || handlerHasTime) && outage(attempted.error) !== undefined
}
