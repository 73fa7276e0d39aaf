import { expect, test } from 'vitest';
import { seededDice } from '../../support/faults/seeded.ts';

test('a deck holds each fault as often as it says, in an order that the seed decides', () => {
  const kinds = { cut: 3, tear: 2, freeze: 1 };
  const deck = seededDice(7).deck(kinds);
  expect(deck.toSorted()).toEqual(['cut', 'cut', 'cut', 'freeze', 'tear', 'tear']);
  expect(seededDice(7).deck(kinds)).toEqual(deck);
  const orders = [1, 2, 3, 4, 5].map((seed) => seededDice(seed).deck(kinds).join());
  expect(new Set(orders).size).toBeGreaterThan(1);
});
