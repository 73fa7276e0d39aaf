/** However a file is damaged: it is answered with problems that have their place in it, and always with the same ones. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Path } from '../../../src/orchestrator/file/problem.ts';
import { complaints } from './complaints.ts';
import { good } from './good-file.ts';

const inline = `  - inline: |
      apiVersion: v1
      kind: ConfigMap
      metadata: { name: more }
    targets: &all [staging, production]
`;
const text = good.replace('strategies:\n', `${inline}strategies:\n`);

/** A word of YAML, of JavaScript, or of the format. */
const word = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'null',
    '~',
    '{}',
    '[]',
    '""',
    '-1',
    '1e9',
    '.inf',
    '.nan',
    '0x10',
    'true',
    'no',
  ),
  fc.constantFrom(
    '*all',
    '<<',
    '&a',
    '!tag x',
    '|',
    '>',
    '- ',
    ': ',
    '#',
    '---',
    '\t',
    '%',
    '@',
    '`',
    '\r',
    '\u2028',
    '\uFEFF',
  ),
  fc.constantFrom(
    'targets',
    'staging',
    'careful',
    'errors',
    'steps',
    'setWeight',
    'inline',
    'kind',
    'smi',
    'istio',
    'blueGreen',
  ),
  fc.string({ maxLength: 6 }),
);
const place = fc.nat({ max: text.length });

/** What a slip of the hand, or of an editor, does to a text. */
const textSlip = fc.oneof(
  fc.record({ at: place, length: fc.nat({ max: 40 }), put: fc.constant('') }),
  fc.record({ at: place, length: fc.nat({ max: 8 }), put: word }),
  fc.record({ at: place, length: fc.constant(0), put: word }),
  fc.record({
    at: place,
    length: fc.constant(0),
    put: fc.constantFrom(' ', '  ', '\n', '\n  ', '\r\n', '\t', "'", '"', '{', '['),
  }),
);

/** What earlier dice found: problems out of order, and places that are not in the file. */
const found = [
  [
    { at: 825, length: 7, put: '__proto__' },
    { at: 671, length: 0, put: '\r\n' },
  ],
  [
    { at: 902, length: 0, put: '{"' },
    { at: 18, length: 11, put: '' },
    { at: 0, length: 0, put: '__proto__' },
  ],
  [
    { at: 980, length: 0, put: '{}' },
    { at: 240, length: 26, put: '' },
    { at: 160, length: 0, put: 'no' },
  ],
  [
    { at: 1068, length: 36, put: '' },
    { at: 329, length: 3, put: ' ' },
    { at: 364, length: 7, put: '&a' },
  ],
];

/** What is another value than the format takes. */
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    101,
    0.001,
    1e308,
    '',
    'staging',
    '__proto__',
    'constructor',
    [],
    {},
    [[]],
    [null],
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

// Each of them reads some hundred files: on a busy machine that takes longer than the usual limit.
describe('a damaged file is answered with problems and their places,', { timeout: 60_000 }, () => {
  it('where its text is damaged at up to three places', () => {
    fc.assert(
      fc.property(fc.array(textSlip, { minLength: 1, maxLength: 3 }), (slips) => {
        const damaged = slips.reduce(
          (now, { at, length, put }) => now.slice(0, at) + put + now.slice(at + length),
          text,
        );
        expect(complaints(damaged)).toEqual([]);
      }),
      { numRuns: 80, examples: found.map((slips) => [slips]) },
    );
  });

  it('where any value of it is another one, is gone, or stands under another key', () => {
    const all = places();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...all), odd, word), { minLength: 1, maxLength: 3 }), (changes) => {
        const document = parseDocument(text);
        for (const [path, value, key] of changes) {
          if (!document.hasIn(path)) continue;
          if (value === null) document.deleteIn(path);
          else if (value === true && typeof path.at(-1) === 'string')
            document.setIn([...path.slice(0, -1), key], document.getIn(path, true));
          else document.setIn(path, value);
        }
        expect(complaints(document.toString())).toEqual([]);
      }),
      { numRuns: 80 },
    );
  });

  it('where each value in turn is one of the odd ones', () => {
    const odds: unknown[] = [
      null,
      true,
      7,
      -1,
      101.5,
      '',
      'x',
      '__proto__',
      'constructor',
      [],
      [null],
      {},
      { constructor: 1 },
      [[]],
    ];
    for (const [index, path] of places().entries()) {
      for (const value of odds.filter((_, at) => at % 7 === index % 7)) {
        const document = parseDocument(text);
        document.setIn(path, value);
        expect(complaints(document.toString())).toEqual([]);
      }
    }
  });

  it('where it is cut off anywhere', () => {
    for (let end = 0; end < text.length; end += 23) expect(complaints(text.slice(0, end))).toEqual([]);
  });
});

/** The paths of all values of the file. */
function places(node: unknown = parseDocument(text).contents, path: Path = []): Path[] {
  if (isSeq(node)) return node.items.flatMap((item, index) => [[...path, index], ...places(item, [...path, index])]);
  if (!isMap(node)) return [];
  return node.items.flatMap(({ key, value }) => {
    const own = [...path, isScalar(key) ? String(key.value) : ''];
    return [own, ...places(value, own)];
  });
}
