/**
 * The Grafana dashboard and the Prometheus rules in deploy/: the metrics and labels that they query exist, and
 * Prometheus itself accepts them.
 */
import { execFile } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { api } from '../contract/index.ts'
import { CallMetrics } from '../server/metrics/call-metrics.ts'
import { McpMetrics } from '../server/metrics/mcp-metrics.ts'
import { Prometheus } from '../server/metrics/prometheus.ts'
import { SystemReadings, thisMachine } from '../server/metrics/system-readings.ts'
import { addTracingMetrics } from '../server/metrics/tracing-metrics.ts'
import { tracingFigures } from '../server/platform/tracing/tracing-figures.ts'
import { available, getTool } from './support/require.ts'
import { tempDir } from './support/temp-dir.ts'

const root = join(import.meta.dirname, '..')
const rulesFile = join(root, 'deploy/prometheus/rustymail.rules.yml')
const dashboardFile = join(root, 'deploy/grafana/rustymail.json')

interface Target {
  expr: string
  legendFormat?: string
}
interface Panel {
  title: string
  type: string
  targets?: Target[]
  gridPos: { x: number; y: number; w: number; h: number }
}
const { groups } = parse(readFileSync(rulesFile, 'utf8')) as {
  groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[]
}
const rules = groups.flatMap(group => group.rules)
const dashboard = JSON.parse(readFileSync(dashboardFile, 'utf8')) as { panels: Panel[]; uid: string }
const targets = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(each => ({ ...each, title })))

/** Returns the labels of each name that a scrape can have. */
function scraped(): Map<string, Set<string>> {
  const calls = new CallMetrics()
  calls.watchOutbox(async () => 0)
  calls.watchWebhooks(() => ({ endpoints: 0, failing: 0, ending: 0, behind: 0, underWay: 0, streams: 0 }))
  new McpMetrics(calls.whole, () => [])
  addTracingMetrics(calls.whole, tracingFigures())
  const figures = { is_writable: true, fault: null, write_failures: 0, free_bytes: 1, total_bytes: 1 }
  const none = { sent: 0, dropped: 0, bytesSent: 0, replays: 0, gaps: 0, slowConsumers: 0 }
  const prometheus = new Prometheus({
    ...{ calls, version: '1', streams: () => 0, events: () => ({ published: [], ...none }), storage: { figures } },
    ...{ readings: new SystemReadings(thisMachine), auditBacklog: () => ({ waiting: 0, lost: 0 }) },
    ...{ connections: { byAccount: new Map(), max: 1 }, accounts: { byAccount: new Map() } },
  })
  const registries = prometheus.registriesOf({ accounts: 'all' })
  const found = new Map<string, Set<string>>()
  for (const metric of registries.flatMap(registry => registry.getMetricsAsArray())) {
    const { name, type, labelNames } = metric as unknown as { name: string; type: string; labelNames: string[] }
    if (type !== 'histogram') found.set(name, new Set(labelNames))
    else for (const end of ['_bucket', '_sum', '_count']) found.set(name + end, new Set([...labelNames, 'le']))
  }
  return found
}

/** Labels that a scrape job adds. */
const added = ['instance', 'job']
const names = /\b((?:rustymail|mcp)_\w+)(?:\{([^}]*)\})?/g

/** Returns what an expression queries that does not exist. */
function missingIn(expr: string, legend = ''): string[] {
  const known = scraped()
  const without = expr.replaceAll(/\b(?:by|on) \([^)]*\)/g, '')
  const asked = [...without.matchAll(names)].map(([, name, labels = '']) => ({
    name: name!,
    labels: [...labels.matchAll(/(\w+)\s*[=!]/g)].map(match => match[1]!),
  }))
  const all = new Set([...added, ...asked.flatMap(({ name }) => [...(known.get(name) ?? [])])])
  const grouped = [...expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(match =>
    match[1]!.split(',').map(s => s.trim()),
  )
  const told = [...legend.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)[^}]*\}\}/g)].map(match => match[1]!)
  return [
    ...asked.filter(({ name }) => !known.has(name)).map(({ name }) => name),
    ...asked.flatMap(({ name, labels }) =>
      labels.filter(label => !added.includes(label) && !known.get(name)?.has(label)).map(label => `${name}{${label}}`),
    ),
    ...[...grouped, ...told].filter(label => !all.has(label)),
  ]
}

test('every name and label that the rules ask for is there', () => {
  expect(rules.length).toBeGreaterThan(15)
  for (const { alert, expr, annotations } of rules) {
    const told = Object.values(annotations)
      .join(' ')
      .matchAll(/\{\{ \$labels\.\w+ \}\}/g)
    expect(missingIn(expr, [...told].join(' ')), alert).toEqual([])
  }
  // Verifies that the check can fail.
  expect(
    missingIn('sum by (colour) (rustymail_nothing{state="x"}) + rustymail_accounts{colour="x"}', '{{smell}}'),
  ).toEqual(['rustymail_nothing', 'rustymail_nothing{state}', 'rustymail_accounts{colour}', 'colour', 'smell'])
})

test('operations that a rule names are operations', () => {
  const operations = Object.entries(api).flatMap(([group, endpoints]) =>
    Object.keys(endpoints).map(name => `${group}.${name}`),
  )
  const named = rules.flatMap(({ expr }) => [...expr.matchAll(/operation=~?"([^"]+)"/g)].map(match => match[1]!))
  expect(named).not.toEqual([])
  for (const pattern of named) {
    const alternatives = /\(([^)]*)\)/.exec(pattern)?.[1]?.split('|') ?? ['']
    for (const each of alternatives) expect(operations).toContain(pattern.replace(/\([^)]*\)/, each))
  }
})

test('every name and label that the dashboard asks for is there, and no panel lies on another', () => {
  expect(targets.length).toBeGreaterThan(40)
  for (const { title, expr, legendFormat } of targets) expect(missingIn(expr, legendFormat), title).toEqual([])
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
})

const run = promisify(execFile)

describe.skipIf(!available('promtool'))('with promtool', () => {
  test('the rules are valid, and fire when and only when they should', async () => {
    const cwd = join(root, 'deploy/prometheus')
    const checked = await run(getTool('promtool'), ['check', 'rules', 'rustymail.rules.yml'], { cwd })
    expect(checked.stdout).toContain(`${rules.length} rules found`)
    const tests = readFileSync(join(cwd, 'rustymail.rules.test.yml'), 'utf8')
    expect(tests).toContain(`value: ${rules.length} }`)
    expect((await run(getTool('promtool'), ['test', 'rules', 'rustymail.rules.test.yml'], { cwd })).stdout).toContain(
      'SUCCESS',
    )

    // A rule that states the opposite is detected.
    const dir = tempDir('promtool')
    onTestFinished(() => dir.remove())
    const turned = readFileSync(rulesFile, 'utf8').replace(
      'rustymail_database_writable == 0',
      'rustymail_database_writable == 1',
    )
    writeFileSync(join(dir.path, 'rustymail.rules.yml'), turned)
    copyFileSync(join(cwd, 'rustymail.rules.test.yml'), join(dir.path, 'test.yml'))
    await expect(run(getTool('promtool'), ['test', 'rules', 'test.yml'], { cwd: dir.path })).rejects.toThrow()
  })

  test('Prometheus understands every expression of the dashboard', async () => {
    const dir = tempDir('promtool')
    onTestFinished(() => dir.remove())
    const written = targets.map(({ expr }, at) => ({
      record: `panel_${at}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.+'),
    }))
    // JSON is valid YAML.
    writeFileSync(join(dir.path, 'panels.yml'), JSON.stringify({ groups: [{ name: 'panels', rules: written }] }))
    const { stdout } = await run(getTool('promtool'), ['check', 'rules', 'panels.yml'], { cwd: dir.path })
    expect(stdout).toContain(`${targets.length} rules found`)
  })
})
