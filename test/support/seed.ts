/**
 * The seed of generated input: the environment's `SEED`, or another each time. Tests that use it name it in
 * their title, so that a failure can be had again.
 */
export const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
