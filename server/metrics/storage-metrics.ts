/** Metrics of the storage: whether the database accepts writes, and how much space is left. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { StorageReadings } from '../../contract/metrics.ts'

export interface StorageFigures {
  readonly figures: StorageReadings
}

export function addStorageMetrics(registry: Registry, storage: StorageFigures): void {
  const registers = [registry]
  new Gauge({
    name: 'rustymail_database_writable',
    help: '1 while the database accepts writes, else 0',
    registers,
    collect() {
      this.set(storage.figures.is_writable ? 1 : 0)
    },
  })
  new Counter({
    name: 'rustymail_database_write_failures_total',
    help: 'Failed database writes',
    registers,
    collect() {
      this.reset()
      this.inc(storage.figures.write_failures)
    },
  })
  const room = { free: 'free_bytes', total: 'total_bytes' } as const
  for (const [name, field] of Object.entries(room)) {
    new Gauge({
      name: `rustymail_storage_${name}_bytes`,
      help: `Space on the file system of an SQLite database, ${name}; absent if unknown`,
      registers,
      // Without a value there is no series, since 0 would mean that the disk is full.
      labelNames: ['store'],
      collect() {
        this.reset()
        const bytes = storage.figures[field]
        if (bytes !== null) this.set({ store: 'database' }, bytes)
      },
    })
  }
}
