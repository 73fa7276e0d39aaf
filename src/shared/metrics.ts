/** Metrics in Prometheus' text format: counters and histograms that are kept, gauges that are read when somebody asks. */

/** What values a label has: all of them, or, in words, where a set comes from that is closed but known only at run time. */
export type LabelValues = readonly string[] | { readonly from: string };

export interface MetricDefinition {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** One sentence for people, without a line's end. */
  readonly help: string;
  readonly labels?: Readonly<Record<string, LabelValues>>;
  /** Upper bounds of a histogram, in its unit, rising. */
  readonly buckets?: readonly number[];
}

type Labels = Readonly<Record<string, string>>;

export interface Sample {
  /** Behind the name: of a histogram's parts. */
  suffix?: string;
  labels: Labels;
  value: number;
}

/** One metric with its values of now. */
export interface Family {
  definition: MetricDefinition;
  samples: Sample[];
}

/** What is said for a value that is not of a label's list: whatever comes in, no new series is made. */
const OTHER = 'other';

/** Brings labels into the definition's order, and what is not of a closed list to `other`. */
class LabelRule {
  readonly #lists: [name: string, values: ReadonlySet<string> | undefined][];

  constructor({ labels = {} }: MetricDefinition) {
    this.#lists = Object.entries(labels).map(([name, values]) => [name, isList(values) ? new Set(values) : undefined]);
  }

  apply(labels: Labels): Labels {
    const ruled: Record<string, string> = {};
    for (const [name, values] of this.#lists) {
      const value = labels[name] ?? OTHER;
      ruled[name] = values === undefined || values.has(value) ? value : OTHER;
    }
    return ruled;
  }
}

/** Rises from 0 at the process's start. With one label it has a series for each value from the start, so that a first event is seen as a rise. */
export class Counter {
  readonly #definition: MetricDefinition;
  readonly #rule: LabelRule;
  readonly #samples = new Map<string, Sample>();

  constructor(definition: MetricDefinition) {
    this.#definition = definition;
    this.#rule = new LabelRule(definition);
    const labels = Object.entries(definition.labels ?? {});
    const [first] = labels;
    if (first === undefined) this.add({}, 0);
    else if (labels.length === 1 && isList(first[1])) for (const value of first[1]) this.add({ [first[0]]: value }, 0);
  }

  add(labels: Labels, by = 1): void {
    const ruled = this.#rule.apply(labels);
    const key = keyOf(ruled);
    const known = this.#samples.get(key);
    if (known) known.value += by;
    else this.#samples.set(key, { labels: ruled, value: by });
  }

  read(): Family {
    return { definition: this.#definition, samples: [...this.#samples.values()] };
  }
}

interface Distribution {
  labels: Labels;
  /** As many as there are buckets: those at or below the bound, and above the one before. */
  counts: number[];
  count: number;
  sum: number;
}

/** How often a value was at or below each bound. */
export class Histogram {
  readonly #definition: MetricDefinition;
  readonly #rule: LabelRule;
  readonly #buckets: readonly number[];
  readonly #kept = new Map<string, Distribution>();

  constructor(definition: MetricDefinition) {
    this.#definition = definition;
    this.#rule = new LabelRule(definition);
    this.#buckets = definition.buckets ?? SECONDS;
  }

  observe(labels: Labels, value: number): void {
    const ruled = this.#rule.apply(labels);
    const key = keyOf(ruled);
    const known = this.#kept.get(key) ?? { labels: ruled, counts: this.#buckets.map(() => 0), count: 0, sum: 0 };
    this.#kept.set(key, known);
    const at = this.#buckets.findIndex((bound) => value <= bound);
    if (at >= 0) known.counts[at] = (known.counts[at] ?? 0) + 1;
    known.count += 1;
    known.sum += value;
  }

  read(): Family {
    return { definition: this.#definition, samples: [...this.#kept.values()].flatMap((each) => this.#samplesOf(each)) };
  }

  #samplesOf({ labels, counts, count, sum }: Distribution): Sample[] {
    let below = 0;
    const bounded = this.#buckets.map((bound, index): Sample => {
      below += counts[index] ?? 0;
      return { suffix: '_bucket', labels: { ...labels, le: String(bound) }, value: below };
    });
    return [
      ...bounded,
      { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
      { suffix: '_sum', labels, value: sum },
      { suffix: '_count', labels, value: count },
    ];
  }
}

/** From a call within the machine to one that was given up. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** A gauge as it is now. @param values one number, or one for each set of labels; undefined: not known, and left out. */
export function gauge(definition: MetricDefinition, values: number | undefined | [Labels, number][]): Family {
  if (values === undefined) return { definition, samples: [] };
  if (typeof values === 'number') return { definition, samples: [{ labels: {}, value: values }] };
  const rule = new LabelRule(definition);
  return { definition, samples: values.map(([labels, value]) => ({ labels: rule.apply(labels), value })) };
}

/** `Content-Type` of what `writeMetrics` returns. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The families in Prometheus' text format, one after the other. */
export function writeMetrics(families: readonly Family[]): string {
  return families.map(writeFamily).join('');
}

function writeFamily({ definition: { name, type, help }, samples }: Family): string {
  const lines = samples.map(
    ({ suffix = '', labels, value }) => `${name}${suffix}${showLabels(labels)} ${showNumber(value)}`,
  );
  return [`# HELP ${name} ${help.replaceAll('\\', '\\\\')}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
}

function showLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function showNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}

function keyOf(labels: Labels): string {
  return Object.values(labels).join('\n');
}

export function isList(values: LabelValues): values is readonly string[] {
  return Array.isArray(values);
}
