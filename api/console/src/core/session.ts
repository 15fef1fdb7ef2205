/** Who is at the desk; begins and ends the desk's work. */

import * as api from './api';
import { asProblem, desk } from './desk';
import type { Problem } from './problem';
import { suggestLanguage } from './settings';
import { topics } from './topics';
import type { Session } from './types';

class SessionKeeper {
  current: Session | null = null;
  /** Still finding out whether a session is there. */
  asking = true;
  expired = false;
  problem: Problem | null = null;

  async resume(): Promise<void> {
    desk.onExpired = () => this.end(true);
    try {
      this.begin(await api.me());
    } catch (error) {
      const problem = asProblem(error);
      this.problem = problem.status === 401 ? null : problem;
    }
    this.asking = false;
    topics.emit('session');
  }

  async login(name: string, password: string): Promise<void> {
    this.begin(await api.login(name, password));
    this.expired = false;
    this.problem = null;
    topics.emit('session');
  }

  async logout(): Promise<void> {
    try {
      await api.logout();
    } finally {
      this.end(false);
    }
  }

  private begin(session: Session): void {
    this.current = session;
    api.useCsrf(session.csrf);
    suggestLanguage(session.language);
    void desk.start();
  }

  private end(expired: boolean): void {
    if (this.current === null) return;
    this.current = null;
    this.expired = expired;
    api.useCsrf('');
    desk.stop();
    topics.emit('session');
  }
}

export const session = new SessionKeeper();
