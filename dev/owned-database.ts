import { Client } from 'pg'
import type { Postgres } from './postgres.ts'

const owner = 'halyard_owner'

/**
 * Makes a database, and the ordinary role that owns it, unless they exist; answers the owner's URL. The owner is no
 * superuser, as on a hosted Postgres: what needs more than it has fails here first.
 */
export async function makeOwnedDatabase(postgres: Postgres, name: string, password: string): Promise<string> {
  const client = new Client(postgres.url())
  await client.connect()
  try {
    const roles = await client.query('select from pg_roles where rolname = $1', [owner])
    if (roles.rowCount === 0) await client.query(`create role ${owner} createrole`)
    await client.query(`alter role ${owner} login password ${client.escapeLiteral(password)}`)
    const databases = await client.query('select from pg_database where datname = $1', [name])
    if (databases.rowCount === 0)
      await client.query(`create database ${client.escapeIdentifier(name)} owner ${owner}`)
  } finally {
    await client.end()
  }
  return `postgresql://${owner}:${encodeURIComponent(password)}@127.0.0.1:${postgres.port}/${name}`
}
