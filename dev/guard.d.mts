/**
 * Makes sure that a child does not outlive this process, not even after `kill -9`: a tiny shell waits for our end
 * and then sends `signal` to `target`, a process id or, negative, a process group. Call the result when the child
 * has ended, so that its id is never signalled again.
 */
export function guardProcess(target: number, signal: 'INT' | 'KILL'): () => void
