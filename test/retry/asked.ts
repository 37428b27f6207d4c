import type { Admission, Attempted, Delivery, Session, Turn, Verdict } from '../../src/consume/admission.ts'
import { persisting } from './persisting.ts'

/** An admission asked about one delivery at a time, each in an assignment of its own. */
export function asked(admission: Admission) {
  const of = (session: Session) => admission.onAssigned([], session)
  return {
    admit: (delivery: Delivery): Verdict => of(persisting()).admit({ delivery }),
    turn: (delivery: Delivery, session = persisting()): Turn => of(session).turn({ delivery }),
    settle: (delivery: Delivery, attempted: Attempted, session: Session) => of(session).settle({ delivery }, attempted),
  }
}
