/** A configuration file as sections, each with the values of its options. */
import { ConfError, type Place } from './conf-error.ts'
import { type NamesIn, OPTIONS, type Option, type OptionName, type Scope, type ValueOf } from './options.ts'

/** Default port of MQTT, where a file does not say another one. */
export const DEFAULT_PORT = 1883

/** Values of one section, by the names of options that may stand in it. */
export class Values<S extends Scope> {
  readonly #values = new Map<string, unknown>()
  readonly #places = new Map<string, Place>()

  /** @throws ConfError when it must not stand twice */
  set(name: OptionName, value: unknown, place: Place): void {
    const { again }: Option['value'] = OPTIONS[name].value
    if (again === 'adds') {
      const before = this.#values.get(name)
      this.#values.set(name, [...(Array.isArray(before) ? (before as unknown[]) : []), value])
    } else {
      if (again === 'fails' && this.#values.has(name))
        throw new ConfError(`Duplicate '${name}' value in configuration.`)
      this.#values.set(name, value)
    }
    this.#places.set(name, place)
  }

  /** As the table reads it. */
  get<N extends NamesIn<S>>(name: N): ValueOf<N> | undefined {
    return this.#values.get(name) as ValueOf<N> | undefined
  }

  /** Of an option that may stand more often. */
  all<N extends NamesIn<S>>(name: N): readonly ValueOf<N>[] {
    return (this.#values.get(name) ?? []) as readonly ValueOf<N>[]
  }

  /** Of its last line. */
  placeOf(name: NamesIn<S>): Place | undefined {
    return this.#places.get(name)
  }
}

export interface ListenerSection {
  readonly place: Place
  /** 0: a Unix socket. */
  port: number
  /** Or the path of the socket. */
  host: string | undefined
  readonly own: Values<'listener' | 'default listener'>
  readonly security: Values<'security'>
  readonly plugins: PluginSection[]
}

/** One that says nothing yet. */
export function listenerSection(place: Place, port: number, host: string | undefined): ListenerSection {
  return { place, port, host, own: new Values(), security: new Values(), plugins: [] }
}

export interface BridgeSection {
  readonly place: Place
  readonly name: string
  readonly own: Values<'bridge'>
}

export interface PluginSection {
  readonly place: Place
  readonly path: string
  readonly options: Map<string, { readonly value: string; readonly place: Place }>
}

export interface Sections {
  readonly global: Values<'global'>
  readonly security: Values<'security'>
  /** Of all listeners. */
  readonly plugins: readonly PluginSection[]
  readonly perListener: boolean
  readonly listeners: readonly ListenerSection[]
  /** No `listener`, `port` or `bind_address`: only clients of this machine. */
  readonly localOnly: boolean
  readonly bridges: readonly BridgeSection[]
  /** Each with its place. */
  readonly warnings: readonly string[]
}
