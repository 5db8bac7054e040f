/** The `Users` of this process: those of `createPush`, and of listeners that connections came by. */
import type { Users } from './users.ts'

export class KnownUsers {
  readonly #changed: (users: Users) => void
  readonly #byId = new Map<string, Users>()
  readonly #idOf = new WeakMap<Users, string>()
  readonly #watched = new Map<Users, () => void>()
  /** How often each has changed. */
  readonly #changes = new WeakMap<Users, number>()

  /** `changed` is called with the one whose users, passwords or rules have changed. */
  constructor(changed: (users: Users) => void) {
    this.#changed = changed
  }

  /** The users of `createPush`; what was left behind without an id belongs to them. */
  addDefault(users: Users): void {
    this.#remember(users, users.id ?? '')
    this.add(users)
  }

  /** Those of a listener. */
  add(users: Users): void {
    if (users.id !== undefined) this.#remember(users, users.id)
    if (users.changed === undefined || this.#watched.has(users)) return
    this.#watched.set(users, () => undefined)
    this.#watched.set(
      users,
      users.changed(() => {
        this.#changes.set(users, this.changesOf(users) + 1)
        this.#changed(users)
      }),
    )
  }

  /** Undefined: what its users leave behind cannot be checked later. */
  idOf(users: Users): string | undefined {
    return this.#idOf.get(users)
  }

  /** Another number: they have changed meanwhile. */
  changesOf(users: Users): number {
    return this.#changes.get(users) ?? 0
  }

  find(id: string | undefined): Users | undefined {
    return id === undefined ? undefined : this.#byId.get(id)
  }

  close(): void {
    for (const stop of this.#watched.values()) stop()
    this.#watched.clear()
  }

  #remember(users: Users, id: string): void {
    this.#byId.set(id, users)
    this.#idOf.set(users, id)
  }
}
