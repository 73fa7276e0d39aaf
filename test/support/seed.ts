/** Of whatever a test leaves to chance: the same in every run, so that it repeats; `SEED=n` tries others. */
export const seed = Number(process.env['SEED'] ?? 1);
