/** Where a message that was sent lies, and its id. */
export interface Receipt {
  readonly id: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}
