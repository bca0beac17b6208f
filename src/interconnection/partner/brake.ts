/**
 * The brake on removals (design D16). A primary that was restored, or is the wrong one, may say of many
 * groups at once that they are gone, and a network that loses its groups loses its calls. So a pass that
 * would remove many removes none, and the operator decides.
 */
export interface Brake {
  /** More groups than this are not removed in one pass. */
  readonly groups: number;
  /** Nor is more than this share of a peer's groups, in percent; one group always may go. */
  readonly percent: number;
}

/** Whether a pass that would remove `ended` of `held` groups removes none. */
export function brakes({ groups, percent }: Brake, ended: number, held: number): boolean {
  return ended > groups || (ended > 1 && ended * 100 > held * percent);
}
