/** A small mosquitto.db. */
import { client, database, message, retain } from '../../mosquitto-compat/import/support/database.ts'

export function mosquittoDb(): Buffer {
  const stored = message({ id: 1n, topic: 'a/b', payload: 'kept', qos: 1 })
  return database(6, [stored, retain(1n), client(6, { clientId: 'one' })])
}
