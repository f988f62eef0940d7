/** @file What the benchmark prints and writes of its rows. */
import { aligned, figure } from '../table.ts';

/** One case measured; `null` is what could not be measured. */
export interface Row {
  readonly case: string;
  readonly dtype: string;
  readonly ours_ms: number | null;
  readonly jax_ms: number | null;
  readonly torch_ms: number | null;
  /** Ours over the faster peer. */
  readonly ratio: number | null;
  readonly first_call_ms: number | null;
  readonly jax_first_call_ms: number | null;
  readonly peak_bytes: number | null;
}

/** A row, and what the plan says that `peak_bytes` would be. */
export interface Measured {
  readonly row: Row;
  readonly planned_bytes: number | null;
}

/** The table of the rows, and the mean of their ratios. */
export function table(measured: readonly Measured[]): string {
  const head = [
    'case',
    'dtype',
    'ours ms',
    'JAX ms',
    'torch ms',
    'ratio',
    'first ms',
    'JAX first',
    'peak MiB',
    'plan MiB',
  ];
  const body = measured.map(({ row, planned_bytes }) => [
    row.case,
    row.dtype,
    ...[row.ours_ms, row.jax_ms, row.torch_ms, row.ratio, row.first_call_ms, row.jax_first_call_ms].map(figure),
    ...[row.peak_bytes, planned_bytes].map((bytes) => figure(bytes === null ? null : bytes / 2 ** 20)),
  ]);
  const ratios = ratiosOf(measured);
  const mean = `geometric mean of ${ratios.length} ratios: ${figure(geometricMean(ratios))}\n`;
  return aligned([head, ...body], 2) + (ratios.length > 0 ? mean : '');
}

function ratiosOf(measured: readonly Measured[]): number[] {
  return measured.flatMap(({ row }) => row.ratio ?? []);
}

function geometricMean(numbers: readonly number[]): number {
  return Math.exp(numbers.reduce((sum, number) => sum + Math.log(number), 0) / numbers.length);
}

const [LEFT, WIDTH, LINE, TOP] = [440, 960, 24, 64];

/** The ratios as a picture in SVG: a bar from 1.0 for each, on a logarithmic axis. */
export function plot(measured: readonly Measured[]): string {
  const bars = measured.flatMap(({ row }) => (row.ratio === null ? [] : [{ ...row, ratio: row.ratio }]));
  const exponents = bars.map(({ ratio }) => Math.log10(ratio));
  const low = Math.min(-1, Math.floor(Math.min(...exponents)));
  const high = Math.max(1, Math.ceil(Math.max(...exponents)));
  const x = (ratio: number): number => LEFT + ((Math.log10(ratio) - low) / (high - low)) * (WIDTH - LEFT - 60);
  const bottom = TOP + bars.length * LINE;
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  const at = (value: number): string => value.toFixed(1);
  const grid = ticks.map((tick) => {
    const kind = tick === 1 ? 'one' : 'grid';
    const label = tick === 1 ? 'as fast' : `${figure(tick)}×`;
    return (
      `<line class="${kind}" x1="${at(x(tick))}" x2="${at(x(tick))}" y1="${TOP - 6}" y2="${bottom + 2}"/>` +
      `<text class="middle" x="${at(x(tick))}" y="${TOP - 12}">${label}</text>`
    );
  });
  const rows = bars.map((bar, i) => {
    const y = TOP + i * LINE;
    const [from, to] = [Math.min(x(1), x(bar.ratio)), Math.max(x(1), x(bar.ratio))];
    const kind = bar.ratio <= 1 ? 'faster' : 'slower';
    const number = bar.ratio <= 1 ? `<text class="end" x="${at(from - 5)}"` : `<text x="${at(to + 5)}"`;
    return (
      `<text class="end" x="${LEFT - 60}" y="${y + 16}">${escapeText(`${bar.case}, ${bar.dtype}`)}</text>` +
      `<rect class="${kind}" x="${at(from)}" y="${y + 4}" width="${at(to - from)}" height="${LINE - 8}"/>` +
      `${number} y="${y + 16}">${figure(bar.ratio)}</text>`
    );
  });
  const title = 'Time of Adjoint over the time of the faster of JAX and PyTorch; left of the line is faster';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 16}" role="img">
<title>${title}</title>
<style>
  text { font-family: system-ui, sans-serif; font-size: 13px; fill: #1f2328; }
  .end { text-anchor: end; } .middle { text-anchor: middle; }
  .grid { stroke: #8c959f; stroke-opacity: 0.4; } .one { stroke: #1f2328; stroke-width: 1.5; }
  .faster { fill: #1a7f64; } .slower { fill: #bc4c00; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .one { stroke: #e6edf3; } .faster { fill: #3fb68b; } .slower { fill: #f0883e; }
  }
</style>
<text x="16" y="22">${title}</text>
${[...grid, ...rows].join('\n')}
</svg>
`;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
