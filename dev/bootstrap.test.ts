import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { isRunning } from './file-lock.mjs'

// A project of three files and an npm that is a shell script: what bootstrap asks of npm is what is tested.
let root: string
let tools: string

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'halyard-bootstrap-')))
  tools = join(root, 'tools')
  mkdirSync(join(root, 'dev'))
  mkdirSync(tools)
  for (const name of ['bootstrap.mjs', 'file-lock.mjs', 'guard.mjs']) {
    copyFileSync(fileURLToPath(new URL(name, import.meta.url)), join(root, 'dev', name))
  }
  writeFileSync(
    join(root, 'dev', 'echo.mjs'),
    'console.log(process.argv.slice(2).join(), process.env.PATH.split(":")[0])',
  )
  writeLock('1.0.0')
  writeNpm()
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

test('packages are installed once, and again when the lock file asks for other versions', () => {
  expect(run('dev/echo.mjs', 'a', 'b')).toMatchObject({
    status: 0,
    stdout: `a,b ${root}/node_modules/.bin\n`,
  })
  expect(run('dev/echo.mjs').stderr).toBe('')
  expect(npmCalls()).toEqual(['ci --include=dev --no-audit --no-fund'])
  writeLock('1.0.1')
  expect(run('dev/echo.mjs').stderr).toMatch(
    /^halyard: installing packages .*\nhalyard: packages installed in \d+ s\n$/,
  )
  expect(npmCalls()).toHaveLength(2)
})

test('what npm itself has installed is taken as it is', () => {
  run('dev/echo.mjs')
  rmSync(join(root, 'npm-calls'))
  expect(run('dev/echo.mjs').status).toBe(0)
  expect(npmCalls()).toEqual([])
})

test('a package for another platform only need not be there', () => {
  writeFileSync(
    join(root, 'package-lock.json'),
    JSON.stringify({
      packages: {
        '': {},
        'node_modules/a': { version: '1.0.0' },
        'node_modules/b': { version: '1', optional: true },
      },
    }),
  )
  writeNpm(`echo '{"packages":{"node_modules/a":{"version":"1.0.0"}}}' > node_modules/.package-lock.json`)
  run('dev/echo.mjs')
  expect(run('dev/echo.mjs').stderr).toBe('')
})

test('of several starts at once one installs, and all run', async () => {
  writeNpm('sleep 0.3')
  const children = Array.from({ length: 4 }, (_, n) => start('dev/echo.mjs', String(n)))
  const results = await Promise.all(
    children.map(async (child) => [
      (await once(createInterface({ input: child.stdout }), 'line'))[0],
      (await once(child, 'exit'))[0],
    ]),
  )
  expect(results.map(([line]) => String(line).split(' ')[0])).toEqual(['0', '1', '2', '3'])
  expect(results.map(([, code]) => code)).toEqual([0, 0, 0, 0])
  expect(npmCalls()).toHaveLength(1)
})

test('an install that was killed takes its npm along, and is done again', async () => {
  writeNpm('echo $$ > npm-pid; exec sleep 60')
  const child = start('dev/echo.mjs')
  const npmPid = await vi.waitFor(() => Number(readFileSync(join(root, 'npm-pid'), 'utf8')))
  child.kill('SIGKILL')
  await vi.waitFor(() => expect(isRunning(npmPid, null)).toBe(false))
  writeNpm()
  expect(run('dev/echo.mjs').status).toBe(0)
})

test('each failure is one line with its remedy', () => {
  expect(run().stderr).toMatch(/^error: No script was named\. Usage: .*\n$/)
  rmSync(join(tools, 'npm'))
  expect(lastLine(run('dev/echo.mjs'))).toBe(
    'error: npm was not found. Install it: it comes with Node from https://nodejs.org',
  )
  writeNpm('echo "npm error code ENOTFOUND" >&2; exit 1')
  expect(lastLine(run('dev/echo.mjs'))).toBe(
    'error: The npm registry cannot be reached. Check the network or the npm proxy settings, then try again',
  )
  writeNpm('echo "npm error something" >&2; exit 3')
  const other = run('dev/echo.mjs')
  expect(other).toMatchObject({ status: 1 })
  expect(other.stderr).toMatch(/npm error something\nerror: npm failed with code 3\. Its output is above\n$/)
})

test('exit code and signals are passed on', async () => {
  writeFileSync(join(root, 'dev', 'fail.mjs'), 'process.exit(7)')
  expect(run('dev/fail.mjs').status).toBe(7)
  const code = `process.on('SIGTERM', () => process.exit(3)); console.log('up'); setInterval(() => {}, 1000)`
  writeFileSync(join(root, 'dev', 'wait.mjs'), code)
  const child = start('dev/wait.mjs')
  await once(createInterface({ input: child.stdout }), 'line')
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([3, null])
})

test('the script learns that whoever started it was killed', async () => {
  const code = `process.on('disconnect', () => { console.log('alone'); process.exit() }); console.log('up'); setInterval(() => {}, 1000)`
  writeFileSync(join(root, 'dev', 'wait.mjs'), code)
  const child = start('dev/wait.mjs')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('up')
  child.kill('SIGKILL')
  expect((await lines.next()).value).toBe('alone')
})

/** An npm that notes its call, does `extra`, and installs what the lock file names. */
function writeNpm(extra = ''): void {
  const record = extra.includes('.package-lock.json')
    ? ''
    : 'cp package-lock.json node_modules/.package-lock.json'
  const script = `#!/bin/sh
echo "$*" >> npm-calls
mkdir -p node_modules/.bin
${extra}
ln -sf ${process.execPath} node_modules/.bin/node
${record}
`
  writeFileSync(join(tools, 'npm'), script)
  chmodSync(join(tools, 'npm'), 0o755)
}

function writeLock(version: string): void {
  writeFileSync(
    join(root, 'package-lock.json'),
    JSON.stringify({ packages: { '': {}, 'node_modules/a': { version } } }),
  )
}

function npmCalls(): readonly string[] {
  try {
    return readFileSync(join(root, 'npm-calls'), 'utf8').trim().split('\n')
  } catch {
    return []
  }
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: [tools, shellTools()].join(delimiter) } // no npm but ours
}

/** A folder with what the script of our npm calls, and no npm. */
function shellTools(): string {
  const folder = join(root, 'shell')
  mkdirSync(folder, { recursive: true })
  for (const name of ['sh', 'mkdir', 'ln', 'cp', 'sleep']) {
    writeFileSync(join(folder, name), `#!/bin/sh\nexec /bin/${name} "$@"\n`, { mode: 0o755 })
  }
  return folder
}

function run(...args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, ['dev/bootstrap.mjs', ...args], {
    cwd: root,
    env: environment(),
    encoding: 'utf8',
  })
}

function start(...args: readonly string[]) {
  return spawn(process.execPath, ['dev/bootstrap.mjs', ...args], { cwd: root, env: environment() })
}

function lastLine({ stderr }: { readonly stderr: string }): string | undefined {
  return stderr.trimEnd().split('\n').at(-1)
}
