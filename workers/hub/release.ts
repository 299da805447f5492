/** What a call of another object gives holds resources of that object until it is disposed of; the data stays. */
export async function release<Answer extends PromiseLike<unknown>>(answer: Answer): Promise<Awaited<Answer>> {
  const result = await answer
  ;(result as Partial<Disposable> | null)?.[Symbol.dispose]?.() // the runtime adds it to objects
  return result
}
