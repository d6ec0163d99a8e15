import { notifications } from '@mantine/notifications';
import i18n from '../i18n';
import { problemText } from './text';

/** What the cross of each is called for those who do not see it. */
const close = () => ({ 'aria-label': i18n.t('action.close') });

/** Says shortly that something was done. */
export function tell(message: string) {
  notifications.show({
    message,
    color: 'green',
    autoClose: 4_000,
    withBorder: true,
    closeButtonProps: close(),
  });
}

/** Says shortly that something is not as one would like it. */
export function tellWarning(message: string) {
  notifications.show({
    message,
    color: 'yellow',
    autoClose: 8_000,
    withBorder: true,
    closeButtonProps: close(),
  });
}

/** Says why something was not done, where one can simply try again. */
export function tellRefused(message: string) {
  notifications.show({
    message,
    color: 'red',
    autoClose: 8_000,
    withBorder: true,
    closeButtonProps: close(),
  });
}

/** Says why something was not done; stays until it is closed. */
export function tellProblem(error: unknown) {
  notifications.show({
    message: problemText(error),
    color: 'red',
    autoClose: false,
    withBorder: true,
    closeButtonProps: close(),
  });
}
