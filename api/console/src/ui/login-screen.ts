/** The login screen. */

import { html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { asProblem } from '../core/desk';
import { t } from '../core/i18n';
import type { Problem } from '../core/problem';
import { session } from '../core/session';
import type { Topic } from '../core/topics';
import { locator } from '../map/locator';
import { brand } from './brand';
import { icon } from './icons';
import { languageSwitch } from './switches';
import { View } from './view';
import './login-screen.css';

@customElement('canh-login')
export class LoginScreen extends View {
  protected override readonly topics: Topic[] = ['session'];
  @state() private busy = false;
  @state() private problem: Problem | null = null;

  protected override firstUpdated(): void {
    this.querySelector<HTMLInputElement>('input[name=name]')?.focus();
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const data = new FormData(event.target as HTMLFormElement);
    this.busy = true;
    this.problem = null;
    try {
      await session.login(String(data.get('name')), String(data.get('password')));
    } catch (error) {
      this.problem = asProblem(error);
      this.querySelector<HTMLInputElement>('input[name=password]')?.select();
    }
    this.busy = false;
  }

  private message(): string | null {
    const problem = this.problem ?? session.problem;
    if (problem === null) return session.expired ? t('login.expired') : null;
    if (problem.status === 401) return t('login.wrong');
    if (problem.status === 429) return t('login.slow');
    if (problem.status === 0) return t('problem.offline');
    return problem.message;
  }

  protected override render() {
    const message = this.message();
    return html`
      <div class="login">
        <div class="login-map" aria-hidden="true">${locator()}</div>
        <main class="login-side">
          <form class="login-card" @submit=${this.submit}>
            <div class="login-brand">${brand(44)}<div><h1>Canh</h1><p>${t('app.tagline')}</p></div></div>
            <label>${t('login.name')}
              <input name="name" autocomplete="username" required autocapitalize="none" spellcheck="false" />
            </label>
            <label>${t('login.password')}
              <input name="password" type="password" autocomplete="current-password" required />
            </label>
            <p class="login-message" role="alert">
              ${message === null ? nothing : html`${icon('warning', 16)}<span>${message}</span>`}
            </p>
            <button class="primary wide" ?disabled=${this.busy}>${t(this.busy ? 'login.busy' : 'login.submit')}</button>
          </form>
          <div class="login-foot">${languageSwitch()}</div>
        </main>
      </div>
    `;
  }
}
