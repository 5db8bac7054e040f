/** MQTT state that is not push: sessions of providers and users, their queues, retained messages, wills, QoS 2. */
import type { Aedes } from 'aedes'
import { ClassicLevel, type BatchOperation } from 'classic-level'
import levelPersistence from 'aedes-persistence-level'

/** The part of an Aedes persistence that is called here. */
export interface AedesPersistence {
  setup(broker: Aedes): Promise<void>
  incomingGetPacket(client: object, packet: object): Promise<unknown>
}

type Operations = BatchOperation<ClassicLevel<string, Uint8Array>, string, Uint8Array>[]

/** The part of a level database that aedes-persistence-level calls, with synced writes: what is acknowledged survives. */
function synced(database: ClassicLevel<string, Uint8Array>): object {
  const sync = { sync: true }
  return {
    get: database.get.bind(database),
    values: database.values.bind(database),
    clear: database.clear.bind(database),
    close: database.close.bind(database),
    del: database.del.bind(database),
    put: (key: string, value: Uint8Array, options: object) => database.put(key, value, { ...options, ...sync }),
    batch: (operations?: Operations, options?: object) =>
      // Without arguments a chained batch, which only ever forgets what a client has acknowledged.
      operations === undefined ? database.batch() : database.batch(operations, { ...options, ...sync }),
  }
}

export interface LevelPersistence {
  readonly persistence: AedesPersistence
  close(): Promise<void>
}

/** On disk in `directory`, by aedes-persistence-level. */
export async function openLevelPersistence(directory: string): Promise<LevelPersistence> {
  const database = new ClassicLevel<string, Uint8Array>(directory, { keyEncoding: 'utf8', valueEncoding: 'view' })
  await database.open()
  return { persistence: levelPersistence(synced(database)), close: () => database.close() }
}

/** The same persistence, with `adopt` called first when Aedes sets it up. */
export function withSetup(persistence: AedesPersistence, adopt: (broker: Aedes) => void): AedesPersistence {
  const setup = async (broker: Aedes): Promise<void> => {
    adopt(broker)
    await persistence.setup(broker)
  }
  // A proxy that binds: engines keep their state in private fields, which only the object itself can reach.
  return new Proxy(persistence, {
    get(target, name) {
      if (name === 'setup') return setup
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}
