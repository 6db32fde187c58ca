/** Base of all errors of the protocol. */
export class ProtocolError extends Error {
  override readonly name: string = "ProtocolError";
}

/** The bytes hold none of the topic's messages. */
export class DecodeError extends ProtocolError {
  override readonly name: string = "DecodeError";
}

/** Well formed, but of a kind that this version does not know: to be ignored. */
export class UnknownMessageError extends DecodeError {
  override readonly name = "UnknownMessageError";
}

/** The message takes more bytes than its topic allows, or is none of the topic's. */
export class EncodeError extends ProtocolError {
  override readonly name = "EncodeError";
}

/** A text is no id, or a topic wants other ids. */
export class TopicError extends ProtocolError {
  override readonly name = "TopicError";
}
