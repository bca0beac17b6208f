/** The seed of generated inputs: one for the run, or that of the environment variable `SEED`. */
export const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
