/** Entry of the page. */

import './styles/fonts.css';
import './styles/tokens.css';
import './styles/base.css';
import { restore } from './core/settings';
import './ui/app';

restore();
