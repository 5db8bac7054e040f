/** MQTT state that is not push: sessions of providers and users, their queues, retained messages, wills, QoS 2. */
import type { Aedes } from 'aedes'
import { ClassicLevel, type BatchOperation } from 'classic-level'
import levelPersistence from 'aedes-persistence-level'

/** The part of an Aedes persistence that is called here. */
export interface AedesPersistence {
  setup(broker: Aedes): Promise<void>
  incomingGetPacket(client: object, packet: object): Promise<unknown>
  addSubscriptions(client: object, subscriptions: object): Promise<unknown>
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

/** Where Aedes keeps what is not push, and how its nodes hear of each other. */
export interface OtherState {
  readonly persistence: AedesPersistence
  /** An emitter that reaches other nodes; absent: within the process. */
  readonly mq?: object
  close(): Promise<void>
}

/** On disk in `directory`, by aedes-persistence-level. */
export async function openLevelState(directory: string): Promise<OtherState> {
  const database = new ClassicLevel<string, Uint8Array>(directory, { keyEncoding: 'utf8', valueEncoding: 'view' })
  await database.open()
  return { persistence: levelPersistence(synced(database)), close: () => database.close() }
}

/** The same persistence, with `adopt` called first when Aedes sets it up. */
export function withSetup(persistence: AedesPersistence, adopt: (broker: Aedes) => void): AedesPersistence {
  return overriding(persistence, {
    async setup(broker: Aedes): Promise<void> {
      adopt(broker)
      await persistence.setup(broker)
    },
  })
}

/** An object with some methods replaced; the others are bound, since their state may be in private fields. */
export function overriding<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name) as unknown
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}
