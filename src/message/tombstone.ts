/**
 * What stands for a type where a record is a tombstone: it has a key and no value, and says that its entity is gone. Its message type
 * cannot be known, as the schema id is in the value.
 */
export const tombstoneType = 'tombstone'
