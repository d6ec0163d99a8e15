/** Acts when the device is on another network, or on the same one again. Gives what ends it. */
export function onOtherNetwork(act: () => void): () => void {
  const connection = (navigator as { connection?: EventTarget }).connection;
  window.addEventListener('online', act);
  connection?.addEventListener?.('change', act);
  return () => {
    window.removeEventListener('online', act);
    connection?.removeEventListener?.('change', act);
  };
}
