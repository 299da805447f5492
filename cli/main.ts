#!/usr/bin/env node
import * as module from 'node:module'
import { version } from './version.ts'

// A command does what it was asked to, whoever listens. A reader that went away, such as `head`, has heard enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || process.exitCode === 1) return
  process.exitCode = 1
  process.stderr.write(`halyard: stdout cannot be written: ${error.message}\n`)
})
process.stderr.on('error', () => {}) // there is nowhere left to tell it
// A command may have a --version of its own: that of the program stands alone.
if (process.argv[2] === '--version') process.stdout.write(`${version}\n`)
else {
  // A start takes a third less. Node 20 has none.
  module.enableCompileCache?.()
  void start()
}

async function start(): Promise<void> {
  const { run } = await import('./program.ts')
  const code = await run(process.argv)
  process.exitCode ||= code
}
