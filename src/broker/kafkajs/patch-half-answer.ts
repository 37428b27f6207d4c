export interface Reading {
  chunks: Buffer[]
  bytesBuffered: number
  bytesNeeded: number
  isConnected(): boolean
  connect(): Promise<unknown>
}

/**
 * A connection that is cut in the middle of an answer: kafkajs opens it anew and puts what then comes behind the half that it has.
 * From there on it takes lengths and numbers of answers from the wrong places, so no request on it is ever answered, however often
 * it is opened again. So the half is forgotten.
 */
export function forgetHalfAnswers(connection: { readonly prototype: Reading }): void {
  const { connect } = connection.prototype
  connection.prototype.connect = function (this: Reading) {
    if (!this.isConnected()) {
      this.chunks = []
      this.bytesBuffered = 0
      this.bytesNeeded = 4
    }
    return connect.call(this)
  }
}
