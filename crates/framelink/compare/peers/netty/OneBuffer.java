import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.MessageToByteEncoder;

/** Writes header and payload to one buffer: a copy, but half as many buffers for each write. */
final class OneBuffer extends MessageToByteEncoder<ByteBuf> {
    @Override
    protected ByteBuf allocateBuffer(ChannelHandlerContext context, ByteBuf message, boolean preferDirect) {
        return context.alloc().ioBuffer(4 + message.readableBytes());
    }

    @Override
    protected void encode(ChannelHandlerContext context, ByteBuf message, ByteBuf out) {
        out.writeInt(message.readableBytes());
        out.writeBytes(message, message.readerIndex(), message.readableBytes());
    }
}
