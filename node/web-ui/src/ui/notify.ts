import { notifications } from '@mantine/notifications';
import { problemText } from './text';

/** Says shortly that something was done. */
export function tell(message: string) {
  notifications.show({ message, color: 'green', autoClose: 4_000, withBorder: true });
}

/** Says shortly that something is not as one would like it. */
export function tellWarning(message: string) {
  notifications.show({ message, color: 'yellow', autoClose: 8_000, withBorder: true });
}

/** Says why something was not done; stays until it is closed. */
export function tellProblem(error: unknown) {
  notifications.show({ message: problemText(error), color: 'red', autoClose: false, withBorder: true });
}
