// Records what a page plays: a tap on everything that is connected to an audio context's destination.
(() => {
  const connect = AudioNode.prototype.connect;
  const chunks = [];
  let rate = 0;
  const taps = new WeakMap();
  const tapOf = (context) => {
    if (!taps.has(context)) {
      const tap = context.createScriptProcessor(4096, 1, 1);
      rate = context.sampleRate;
      tap.onaudioprocess = (event) => {
        const samples = event.inputBuffer.getChannelData(0);
        chunks.push(Int16Array.from(samples, (one) => Math.max(-1, Math.min(1, one)) * 32767));
      };
      taps.set(context, tap);
      connect.call(tap, context.destination);
    }
    return taps.get(context);
  };
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) {
      connect.call(this, tapOf(this.context));
    }
    return connect.call(this, to, ...rest);
  };
  window.recordedAudio = () => {
    const bytes = new Uint8Array(chunks.reduce((sum, one) => sum + one.byteLength, 0));
    let at = 0;
    for (const one of chunks) {
      bytes.set(new Uint8Array(one.buffer), at);
      at += one.byteLength;
    }
    let text = "";
    for (let begin = 0; begin < bytes.length; begin += 32768) {
      text += String.fromCharCode(...bytes.subarray(begin, begin + 32768));
    }
    return [rate, btoa(text)];
  };
})();
