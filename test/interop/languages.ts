/** The examples in other languages: each prints a line when what a visitor gets is another. */
import { join } from 'node:path'
import { copyExample, type InteropCase, type Seen, type Surroundings, type Visitors } from './interop-case.ts'
import { runProgram, startProgram, type Order } from './run-program.ts'

export const languages: readonly InteropCase[] = [
  {
    name: 'python',
    needs: ['python3'],
    start: async (around, stack) => {
      const cwd = copyExample('python', around.folder)
      await runProgram({ command: 'python3', args: ['-m', 'venv', '.venv'], cwd })
      const python = join(cwd, '.venv', 'bin', 'python')
      await runProgram({
        command: python,
        args: ['-m', 'pip', 'install', '-q', '-r', 'requirements.txt'],
        cwd,
      })
      return follow({ command: python, args: ['main.py'], cwd }, around, stack)
    },
  },
  {
    name: 'go',
    needs: ['go'],
    start: async (around, stack) => {
      const cwd = copyExample('go', around.folder)
      const command = join(cwd, 'shop')
      await runProgram({ command: 'go', args: ['build', '-o', command, '.'], cwd })
      return follow({ command, args: [], cwd }, around, stack)
    },
  },
  {
    name: 'java',
    needs: ['java', 'mvn'],
    start: async (around, stack) => {
      const cwd = copyExample('java', around.folder)
      await runProgram({ command: 'mvn', args: ['-q', '-B', 'compile'], cwd })
      return follow({ command: 'mvn', args: ['-q', '-B', 'exec:java'], cwd }, around, stack)
    },
  },
]

function follow(order: Order, { edge, serverKey }: Surroundings, stack: AsyncDisposableStack) {
  const env = { HALYARD_EDGE: edge, HALYARD_KEY: serverKey }
  const { lines } = startProgram({ ...order, env }, stack)
  return async (): Promise<Visitors> => ({
    'user-123': lastOf('user-123', lines()),
    anna: lastOf('anna', lines()),
  })
}

/** Of `anna new-checkout=true checkout-theme=compact`. */
function lastOf(user: string, lines: readonly string[]): Seen {
  const line = lines.findLast((each) => each.startsWith(`${user} `))
  const [, checkout, theme] = /new-checkout=(true|false) checkout-theme=(\S+)$/.exec(line ?? '') ?? []
  if (theme === undefined) throw new Error(`nothing of ${user} in:\n${lines.join('\n')}`)
  return { newCheckout: checkout === 'true', theme }
}
