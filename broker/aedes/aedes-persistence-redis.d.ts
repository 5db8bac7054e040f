declare module 'aedes-persistence-redis' {
  /** @param options `conn`, an ioredis client, and whether it is a Cluster */
  export default function persistence(options: {
    conn: object
    cluster: boolean
  }): import('./redis-retained.ts').RetainedPersistence
}
