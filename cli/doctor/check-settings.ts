import { isOpenToOthers } from '../profiles.ts'
import { variables, type Settings } from '../settings.ts'
import { fail, failWith, ok, warn, type Finding } from './finding.ts'

type Name = keyof typeof variables

/** Where each setting comes from; secrets are not shown. */
export function checkSettings(settings: Settings): Finding[] {
  const found = (Object.keys(variables) as Name[]).map((name) => checkOne(name, settings)) // its own keys
  const path = settings.profilesPath
  if (path === null || !isOpenToOthers(path)) return found
  return [...found, warn('login', `others may read ${path}, which holds tokens`, `chmod 600 ${path}`)]
}

function checkOne(name: Name, settings: Settings): Finding {
  const { option, variable, what } = variables[name]
  const give = `give ${option} or set ${variable}`
  try {
    const found = settings.find(name)
    if (found) return ok(name, `${isSecret(name) ? '(secret)' : found.value} from ${found.from}`)
    const missing = `${what} is not set`
    return name === 'edge' || name === 'key'
      ? warn(name, missing, give)
      : fail(name, missing, `${give}, or: halyard ${name === 'api' || name === 'token' ? 'login' : 'init'}`)
  } catch (error) {
    return failWith(name, error, give)
  }
}

function isSecret(name: Name): boolean {
  return name === 'token' || name === 'key'
}
