/** SIGHUP, from the first moment on: it would end a process that does not listen to it. */
export class HangUps {
  private cameEarly = false;
  private answer = (): void => {
    this.cameEarly = true;
  };
  private readonly listener = (): void => {
    this.answer();
  };

  constructor() {
    process.on('SIGHUP', this.listener);
  }

  /** Calls it for each that comes, and once for those that came before. */
  answerBy(answer: () => void): void {
    this.answer = answer;
    if (this.cameEarly) answer();
  }

  close(): void {
    process.off('SIGHUP', this.listener);
  }
}
