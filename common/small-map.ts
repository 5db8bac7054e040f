/** A map optimised for a single entry, the most frequent case. */
export class SmallMap<K, V> {
  #key: K | undefined
  #value: V | undefined
  /** Of more than one. */
  #more: Map<K, V> | undefined

  get size(): number {
    return this.#more?.size ?? (this.#key === undefined ? 0 : 1)
  }

  get(key: K): V | undefined {
    if (this.#more !== undefined) return this.#more.get(key)
    return this.#key === key ? this.#value : undefined
  }

  set(key: K, value: V): void {
    if (this.#more !== undefined) this.#more.set(key, value)
    else if (this.#key === undefined || this.#value === undefined || this.#key === key) {
      this.#key = key
      this.#value = value
    } else {
      this.#more = new Map([
        [this.#key, this.#value],
        [key, value],
      ])
      this.#key = undefined
      this.#value = undefined
    }
  }

  /** False if it was not there. */
  delete(key: K): boolean {
    if (this.#more !== undefined) return this.#more.delete(key)
    if (this.#key !== key) return false
    this.#key = undefined
    this.#value = undefined
    return true
  }

  /** Those that there are when it begins. */
  keys(): readonly K[] {
    if (this.#more !== undefined) return [...this.#more.keys()]
    return this.#key === undefined ? [] : [this.#key]
  }

  forEach(each: (value: V, key: K) => void): void {
    if (this.#more !== undefined) this.#more.forEach(each)
    else if (this.#key !== undefined && this.#value !== undefined) each(this.#value, this.#key)
  }
}
