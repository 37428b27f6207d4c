import type { Admission, Attempted, Begun, Delivery, Session, Turn } from '../../src/consume/admission.ts'

export interface Decisions {
  readonly turn?: (delivery: Delivery) => Turn
  readonly settle?: (delivery: Delivery, attempted: Attempted, session: Session) => Promise<void> | undefined
}

/** An admission without tiers: everything goes into its lane, and runs unless the test says otherwise. */
export function admitting({ turn = () => ({ kind: 'run' }), settle = async () => {} }: Decisions = {}): Admission {
  return {
    onAssigned: (_, session) => ({
      ready: () => undefined,
      admit: () => ({ kind: 'lane' }),
      turn: ({ delivery }: Begun) => turn(delivery),
      settle: ({ delivery }: Begun, attempted) => settle(delivery, attempted, session),
      advanced: () => {},
      lost: () => {},
      outlives: () => true,
      parked: () => [],
    }),
  }
}
