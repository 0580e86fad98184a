// The parts of Lambda's events that are read, as AWS documents them.

export interface Context {
  readonly getRemainingTimeInMillis: () => number
}

export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}

export const failed = (ids: readonly string[]): BatchResponse => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
})
