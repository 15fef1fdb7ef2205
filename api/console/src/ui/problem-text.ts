/** A problem in words that an operator can act on. */

import { t } from '../core/i18n';
import type { Problem } from '../core/problem';

export function problemText(problem: Problem): string {
  switch (problem.status) {
    case 0:
      return t('problem.offline');
    case 401:
      return t('login.expired');
    case 403:
      return t('problem.forbidden');
    case 404:
      return t('problem.missing');
    case 422:
      return problem.body.detail ? `${t('problem.illegal')} ${problem.body.detail}` : t('problem.illegal');
    case 429:
      return t('problem.slow');
    default:
      return problem.status >= 500 ? t('problem.server', { status: problem.status }) : problem.message;
  }
}
