// The sound of an answer: two soft tones, made here. Of several pages of a visitor one is heard, and one that nobody sees
// hears what comes.

const alone = (name, run) => navigator.locks ? navigator.locks.request(name, { ifAvailable: true }, (lock) => lock && run()) : run();

function tone(audio, at, high) {
  const made = audio.createOscillator(), loud = audio.createGain();
  made.frequency.value = high;
  loud.gain.setValueAtTime(.0001, at);
  loud.gain.exponentialRampToValueAtTime(.08, at + .03);
  loud.gain.exponentialRampToValueAtTime(.0001, at + .5);
  made.connect(loud).connect(audio.destination);
  made.start(at);
  made.stop(at + .5);
  return made;
}

// Before a visitor has done something on a page, browsers let nothing sound.
export const ring = () => navigator.userActivation?.hasBeenActive !== false && alone("hub:chime", async () => {
  const audio = new AudioContext();
  await Promise.race([audio.resume(), new Promise((done) => setTimeout(done, 1000))]);
  if (audio.state === "running") {
    tone(audio, audio.currentTime, 660);
    await new Promise((done) => { tone(audio, audio.currentTime + .12, 880).onended = done; });
  }
  audio.close();
});

// Of each chat one page.
export const stay = (id, connect) => alone(`hub:stay:${id}`, () => new Promise((gone) => {
  connect(true);
  document.addEventListener("visibilitychange", gone, { once: true });
}));
