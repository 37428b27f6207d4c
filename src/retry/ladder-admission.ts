/** Admission without an order (`order: 'none'`): a record that is due runs, whatever of its entity waits. */
import type {
  Admission,
  AssignedAdmission,
  Attempted,
  Begun,
  ParkedEntity,
  Session,
  Turn,
  Verdict,
} from '../consume/admission.ts'
import { dueOf } from './due.ts'
import { Settlement, type SettlementOptions } from './settlement.ts'

export class LadderAdmission implements Admission {
  readonly #options: SettlementOptions
  readonly #settlement: Settlement

  constructor(options: SettlementOptions) {
    this.#options = options
    this.#settlement = new Settlement(options)
  }

  onAssigned(_: unknown, session: Session): AssignedAdmission {
    return new AssignedLadder(this.#options, this.#settlement, session)
  }
}

const lane: Verdict = { kind: 'lane' }
const run: Turn = { kind: 'run' }
const nobody: readonly ParkedEntity[] = []

class AssignedLadder implements AssignedAdmission {
  readonly #options: SettlementOptions
  readonly #settlement: Settlement
  readonly #session: Session

  constructor(options: SettlementOptions, settlement: Settlement, session: Session) {
    this.#options = options
    this.#settlement = settlement
    this.#session = session
  }

  ready(): undefined {
    return undefined
  }

  /** A record of the source is asked about when its turn has come. */
  admit({ delivery }: Begun): Verdict {
    if (!delivery.trail || delivery.refusal) return lane
    const due = dueOf(delivery, this.#options.ladder, this.#options.clock.now())
    return due.kind === 'wait' ? due : lane
  }

  turn({ delivery }: Begun): Turn {
    if (delivery.refusal) return run
    const due = dueOf(delivery, this.#options.ladder, this.#options.clock.now())
    if (due.kind === 'hop') return { kind: 'move', move: () => this.#settlement.delay(delivery, due.untilMs, this.#session) }
    return due.kind === 'wait' ? due : run
  }

  settle({ delivery }: Begun, attempted: Attempted): Promise<void> | undefined {
    return this.#settlement.settle(delivery, attempted, this.#session)
  }

  advanced(): void {}

  lost(): void {}

  outlives(): boolean {
    return true
  }

  parked(): readonly ParkedEntity[] {
    return nobody
  }
}
