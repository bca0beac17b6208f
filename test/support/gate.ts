/** A point that work waits at until a test opens it. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function gate(): Gate {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    opened,
    open: () => {
      open();
    },
  };
}

/** Lets everything run that waits for nothing. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
